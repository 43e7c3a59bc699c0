// Package email tells by mail: each message of an alert group is a mail of its own, and a client shows those of one incident as a
// thread.
//
// In flows a notifiers.Message. Out flows one mail, as text and as HTML that say the same, to the recipients that have not got
// it yet, over SMTP. A Receipt keeps the thread and its subject and, when not all could be told, who was. The
// package escapes every text and bounds every size. It never retries, never speaks without TLS unless it is configured so, and
// never puts a secret, or what a server said in its own words, into an error. A label that looks like an address may be made
// clickable by a mail client, and leads where it says. Package smtpfake stands in for a mail server.
package email
