// Package opencode makes samples of the sessions of an OpenCode server: how its models answered lately, how long that took, and which
// tools failed. The server has no metrics that say so (https://opencode.ai/docs/server/).
//
// In flow the server's list of sessions and the messages of some of them; out flow samples. It is pure: it asks nobody. What people
// and models wrote never flows out: the only texts in a sample are the kind of an error, its status, and the name of a tool, each
// of which has to look like one.
package opencode
