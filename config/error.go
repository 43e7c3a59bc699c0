package config

import "github.com/alertvitals/notifier/config/strict"

// Error is everything that is wrong with a file.
type Error = strict.Error

// Finding is one problem and its place.
type Finding = strict.Finding
