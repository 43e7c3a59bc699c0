// Package bearer keeps those from changing anything who show no token (RFC 6750).
//
// In flow requests and the tokens of the configuration; out flow the requests that may go on, and answers 401 to the others. It
// guards whatever is neither GET nor HEAD, so that a new path is guarded before anybody thinks of it. The package never logs
// or shows a token, and knows no users: who may read is said by the web configuration file.
package bearer
