// Package routingtest makes routing trees and label sets by chance, and asks Alertmanager's own code where they lead.
//
// In flows a seed; out flow cases, always the same ones for the same seed, and Alertmanager's answers. It is for tests alone.
package routingtest
