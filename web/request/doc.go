// Package request gives every HTTP request a name.
//
// In flows a request, with a name of its sender's in X-Request-ID or without one. Out flows that name, in the header of the answer and
// in whatever the log says of the request. It is no secret and proves nothing; text that is no plain name is replaced.
package request
