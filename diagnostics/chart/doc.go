// Package chart draws one small line chart as a PNG: how a value went, where its threshold is, and when the alert began.
//
// In flow numbers at even steps of time, and how to write one of them in words; out flow the bytes of a picture that is
// read at a glance, on a phone, on a light or a dark page. The same chart gives the same bytes. The package never draws a
// line across what is not known, never fails for what a label holds, never reads a clock, a file or the network, and
// knows nothing of agents.
package chart
