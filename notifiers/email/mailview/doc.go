// Package mailview shows what a person would see of a mail.
//
// In flows a mail as it goes over the wire. Out flow its subject and its two bodies, the HTML with its pictures in it, so that a
// browser shows it like a mail client. The package fetches nothing and changes no other word of the mail.
package mailview
