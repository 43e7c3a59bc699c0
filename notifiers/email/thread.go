package email

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// The keys of a Receipt: the root of the thread, and its subject with the severity that stands in it.
const (
	rootKey     = "root"
	subjectKey  = "subject"
	severityKey = "severity"
)

// The keys beside those after a try that came half way: its delivery, and the recipients that took it, one a line.
const (
	deliveryKey = "delivery"
	toldKey     = "told"
)

const (
	subjectSize  = 150
	severitySize = 30
)

// thread is what the mails of one incident have in common.
type thread struct {
	// root is a Message-ID that no mail has: every mail cites it, so a thread needs neither its first mail nor our memory.
	root string
	// about is the subject without the severity before it.
	about    string
	severity alert.Severity
}

// threadOf is the thread that a message goes on with, or begins. The group's key and its first start make the root, so the same
// incident has the same root even when all is forgotten; a receipt keeps it while alerts come and go.
//
// Source: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4; Alertmanager's root is that of notify/email/email.go.
func threadOf(m notifiers.Message, how *Threading, now time.Time) thread {
	key := fmt.Sprintf("%x", sha256.Sum256([]byte(m.Group.Key)))[:16]
	t := thread{root: m.Previous[rootKey], about: m.Previous[subjectKey], severity: alert.Severity(m.Previous[severityKey])}
	switch {
	case how != nil && !how.Enabled:
		t.root = ""
	case how != nil && how.ThreadByDate == byDay:
		t.root = fmt.Sprintf("<alert-%s-%s@alertmanager>", key, now.Format(time.DateOnly))
	case how != nil:
		t.root = fmt.Sprintf("<alert-%s-@alertmanager>", key)
	case t.root == "":
		t.root = fmt.Sprintf("<alert-%s-%s@notifier>", key, m.Group.Since().UTC().Format("20060102T150405"))
	}
	if t.about == "" {
		t.about, t.severity = aboutOf(m), m.Group.Severity()
	}
	// The subject stays the same, because clients make threads by it too, but for this: who filters for CRITICAL must not
	// miss what has become critical.
	if m.Group.Status() == alert.StatusFiring && m.Group.Severity().Rank() > t.severity.Rank() {
		t.severity = m.Group.Severity()
	}
	return t
}

// aboutOf is what a group is about, without anything that changes while it lasts.
func aboutOf(m notifiers.Message) string {
	name := clip(m.Group.Name(), subjectSize/2)
	if name == "" {
		name = "several alerts"
	}
	agent := m.Group.CommonLabels()["job"]
	if m.Snapshot != nil && m.Group.OneJob() {
		agent = m.Snapshot.Agent
	}
	if agent = clip(agent, subjectSize/2); agent != "" {
		name += " · " + agent
	}
	return name
}

// subject is the same for all mails of the thread.
func (t thread) subject() string {
	severity := strings.ToUpper(clip(string(t.severity), severitySize))
	if severity == "" {
		severity = "ALERT"
	}
	return clip("["+severity+"] "+t.about, subjectSize)
}

func (t thread) receipt() notifiers.Receipt {
	return notifiers.Receipt{rootKey: t.root, subjectKey: t.about, severityKey: string(t.severity)}
}

var (
	notAtext  = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	hostnames = regexp.MustCompile(`^[A-Za-z0-9.-]{1,200}$`)
)

// messageID names the mail. It is the same for every try of a delivery, so that a mail that was taken and yet sent again can
// be told by it; the alerts are in it, because deliveries of an emptied data directory get the numbers of older ones.
func messageID(m notifiers.Message, sender string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %t", m.ID, m.Receiver, m.Group.Key, m.Late)
	for _, a := range m.Group.Alerts {
		fmt.Fprintf(sum, " %q %q %d", a.Fingerprint, a.Status, a.StartsAt.Unix())
		if a.Status == alert.StatusResolved {
			fmt.Fprintf(sum, " %d", a.EndsAt.Unix())
		}
	}
	domain := sender[strings.LastIndexByte(sender, '@')+1:]
	if !hostnames.MatchString(domain) {
		domain = "notifier"
	}
	id := strings.Trim(notAtext.ReplaceAllString(m.ID, "-"), "-")
	return fmt.Sprintf("<%s.%x@%s>", id[:min(len(id), 60)], sum.Sum(nil)[:8], domain)
}
