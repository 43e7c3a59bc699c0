package notifiers

import (
	"regexp"
	"strings"
)

// FromReply is what an SMTP reply means for a mail, the same for every step of the conversation; nil for 2yz and 3yz. enhanced is
// the enhanced status code that the reply's text began with ("5.1.1"), "" when there was none. err says what was answered,
// without any secret in it.
//
// 4yz passes, 5yz does not: that is the whole rule, and the enhanced code only says why. A code that SMTP does not have
// counts as a broken far side.
//
// Source: https://www.rfc-editor.org/rfc/rfc5321#section-4.2 (replies), https://www.rfc-editor.org/rfc/rfc3463 and
// https://www.iana.org/assignments/smtp-enhanced-status-codes (enhanced codes), https://www.rfc-editor.org/rfc/rfc4954#section-6
// (530 to 538 and 454, about AUTH).
func FromReply(code int, enhanced string, err error) *Error {
	e := &Error{Err: err}
	switch {
	case code >= 200 && code <= 399:
		return nil
	case code < 400 || code > 599:
		e.Reason = Server
		return e
	default:
		e.Permanent = code >= 500
	}
	detail := enhancedDetail(code, enhanced)
	switch {
	case code == 454, code == 530, code == 534, code == 535, code == 538, detail == "7.8", detail == "7.9", detail == "7.11":
		e.Reason = Auth
	case e.Permanent:
		e.Reason = Rejected
	case detail == "4.5", detail == "5.3", detail == "7.28":
		e.Reason = RateLimited
	default:
		e.Reason = Server
	}
	return e
}

// ReplyWords says in a few words what an enhanced status code means; "" for one that says nothing more than its reply. A
// reply's own text never shows: nobody knows what a server repeats in it.
//
// Source: https://www.rfc-editor.org/rfc/rfc3463#section-3.
func ReplyWords(code int, enhanced string) string {
	detail := enhancedDetail(code, enhanced)
	if policy := detail == "7.0" || detail == "7.1"; policy && (code == 421 || code == 450 || code == 451) {
		return "its policy does not take it yet, as with greylisting" // https://www.rfc-editor.org/rfc/rfc6647#section-2.1
	}
	return detailWords[detail]
}

var enhancedCode = regexp.MustCompile(`^([245])\.([0-9]{1,3}\.[0-9]{1,3})(?:\s|$)`)

// EnhancedCode is the enhanced status code at the beginning of a reply's text, "" when there is none.
//
// Source: https://www.rfc-editor.org/rfc/rfc2034#section-4.
func EnhancedCode(text string) string {
	found := enhancedCode.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1] + "." + found[2]
}

// enhancedDetail is the subject and the detail of an enhanced code of the reply's own class: "1.1" of "5.1.1".
func enhancedDetail(code int, enhanced string) string {
	class, detail, _ := strings.Cut(enhanced, ".")
	if len(class) != 1 || code/100 != int(class[0]-'0') {
		return ""
	}
	return detail
}

var detailWords = map[string]string{
	"1.1":  "there is no such mailbox",
	"1.2":  "there is no such mail system",
	"1.3":  "the address is not well formed",
	"1.6":  "the mailbox has moved",
	"1.7":  "the sender's address is not well formed",
	"1.8":  "the sender's domain does not exist",
	"1.10": "the domain accepts no mail",
	"2.1":  "the mailbox is disabled",
	"2.2":  "the mailbox is full",
	"2.3":  "the mail is too long for the mailbox",
	"3.1":  "the mail system is full",
	"3.2":  "the system accepts no mail at the moment",
	"3.4":  "the mail is too big",
	"4.1":  "the recipient's system does not answer",
	"4.2":  "the connection is bad",
	"4.3":  "a directory could not be asked",
	"4.4":  "there is no route to the recipient",
	"4.5":  "too much mail at once",
	"4.7":  "it took too long",
	"5.3":  "too many recipients",
	"6.7":  "it takes no addresses that are not ASCII",
	"7.0":  "its policy forbids it",
	"7.1":  "its policy forbids it",
	"7.8":  "the credentials are wrong",
	"7.9":  "it wants another way to authenticate",
	"7.11": "it wants encryption for this",
	"7.23": "SPF does not allow us to send for the sender's domain",
	"7.25": "our address has no name in DNS",
	"7.26": "neither SPF nor DKIM of the sender's domain holds",
	"7.28": "too much mail at once",
}
