// Package post makes one POST for the sinks that speak HTTP, by Prometheus's http_config.
//
// In flow an http_config, an address and a body. Out flows the answer, or the notifiers.Error that says why there is none. The
// package never tries twice, never follows a redirect (a POST would become a GET, or lead what is secret elsewhere), and puts
// neither the address nor what the far side said into an error.
package post
