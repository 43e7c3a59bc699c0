package notifiers

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFromReplyKnowsEveryCode(t *testing.T) {
	answered := errors.New("answered")
	auth := map[int]bool{454: true, 530: true, 534: true, 535: true, 538: true}
	for code := range 1000 {
		got := FromReply(code, "", answered)
		switch code / 100 {
		case 2, 3:
			assert.Nil(t, got, code)
		case 4:
			want := &Error{Reason: Server, Err: answered}
			if auth[code] {
				want.Reason = Auth
			}
			assert.Equal(t, want, got, code)
		case 5:
			want := &Error{Reason: Rejected, Permanent: true, Err: answered}
			if auth[code] {
				want.Reason = Auth
			}
			assert.Equal(t, want, got, code)
		default:
			assert.Equal(t, &Error{Reason: Server, Err: answered}, got, code)
		}
	}
}

func TestFromReplyReadsTheEnhancedCode(t *testing.T) {
	for _, tc := range []struct {
		code      int
		text      string
		reason    Reason
		permanent bool
		words     string
	}{
		{550, "5.1.1 <x@y>: Recipient address rejected", Rejected, true, "there is no such mailbox"},
		{550, "5.7.1 Relaying denied", Rejected, true, "its policy forbids it"},
		{535, "5.7.8 Username and Password not accepted", Auth, true, "the credentials are wrong"},
		{550, "5.7.8 no", Auth, true, "the credentials are wrong"},
		{454, "4.7.0 Temporary authentication failure", Auth, false, "its policy forbids it"},
		{421, "4.7.28 unusual rate of mail", RateLimited, false, "too much mail at once"},
		{451, "4.7.1 greylisted", Server, false, "its policy does not take it yet, as with greylisting"},
		{451, "4.4.5 congested", RateLimited, false, "too much mail at once"},
		{452, "4.5.3 too many recipients", RateLimited, false, "too many recipients"},
		{452, "4.2.2 mailbox full", Server, false, "the mailbox is full"},
		{552, "5.2.2 mailbox full", Rejected, true, "the mailbox is full"},
		{450, "5.1.1 a class that is not the reply's says nothing", Server, false, ""},
		{550, "5.1.1x", Rejected, true, ""},
		{550, "no code", Rejected, true, ""},
	} {
		e := FromReply(tc.code, EnhancedCode(tc.text), errors.New("x"))
		assert.Equal(t, tc.reason, e.Reason, tc.text)
		assert.Equal(t, tc.permanent, e.Permanent, tc.text)
		assert.Equal(t, tc.words, ReplyWords(tc.code, EnhancedCode(tc.text)), tc.text)
	}
}

func FuzzEnhancedCode(f *testing.F) {
	f.Add(550, "5.1.1 no such user")
	f.Add(421, "4.7")
	f.Fuzz(func(t *testing.T, code int, text string) {
		enhanced := EnhancedCode(text)
		if len(enhanced) > len("5.999.999") {
			t.Fatalf("%q is no enhanced code", enhanced)
		}
		_ = ReplyWords(code, enhanced)
		if e := FromReply(code, enhanced, errors.New("x")); e != nil && e.Permanent != (code >= 500 && code <= 599) {
			t.Fatalf("%d is permanent: %t", code, e.Permanent)
		}
	})
}
