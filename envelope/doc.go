// Package envelope is what one record of the journal holds: a notification as it was received, and to whom it goes.
//
// In flow a webhook's body and the receivers that the routing tree found for its alerts, or a message that could not be
// delivered and is to be told once more. Out flows a record; Open reads it back. Whom a notification goes to is decided once,
// before it is accepted: a change of the routes never redirects or loses what was accepted before it, and a reader whom a
// record does not concern need not decode the notification in it.
//
// The package never routes and never touches a disk.
package envelope
