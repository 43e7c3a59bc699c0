// Package logsink writes one line for each alert, as JSON or logfmt, to standard output, standard error or a file, which it rotates.
//
// In flows a notifiers.Message. Out flow lines that hold whole alerts, with the route by which they came, the agent's vitals and the
// delivery's ID, on disk before the sink says that they are; status is firing, resolved, or gone for an alert that fired and is no
// longer reported, late marks what tells of the past, and amends what only brings the vitals. The package never breaks a line,
// whatever a label holds, never parts the lines of one message, and never writes the group's key in clear (its labels may be
// personal). It opens the file anew for each message, so that somebody else may rename it, too.
//
// Rotation is our own, because lumberjack, which others use, does not sync what it writes: a line would count as delivered that a
// crash of the machine loses.
package logsink
