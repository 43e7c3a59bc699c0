// Package secretfile reads a secret from the file that a key ending in _file names.
//
// In flows a path; out flows the secret, without the white space around it, or an error that says what is wrong with the file. It
// remembers nothing, so that a secret can be changed at any time, and no error holds any of the file's content.
package secretfile
