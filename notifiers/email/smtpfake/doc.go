// Package smtpfake stands in for a mail server: it speaks SMTP with STARTTLS, TLS from the start, AUTH and SIZE, keeps the mails
// that it takes, and refuses what the RFCs forbid.
//
// In flow SMTP sessions on loopback, and what a test wants to go wrong at which step. Out flow the mails, each with its envelope
// and how it came. It delivers nothing to anybody and forgets all when it is closed.
package smtpfake
