// Package logsink writes one line for each alert, as JSON or logfmt, to standard output, standard error or a file.
//
// In flows a notifiers.Message. Out flow lines that hold whole alerts, on disk before the sink says that they are; status is
// firing, resolved, or gone for an alert that fired and is no longer reported, and late marks what tells of the past. The
// package never breaks a line, whatever a label holds, never writes the group's key in clear (its labels may be
// personal), and never rotates a file: it opens the file anew for each message, so that whoever does may just rename it.
package logsink
