// Package routing says which receivers an alert goes to, and why.
//
// In flow the routing tree of the configuration and the labels of one alert. Out flow the names of its receivers, and on demand every
// route that was tried, with the matcher that did not fit. The tree is Alertmanager's, with by_severity as a short form for the commonest
// tree of all. Match and Explain are pure and total: every alert has at least one receiver, and the answer depends on nothing but the
// labels. What no alert can ever come to is a problem of the configuration. Muting says of a time at which receivers an alert is not told,
// and until when. The package never looks at a group, a clock or what a receiver is.
package routing
