package main

import (
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/config"
)

// about is what the notifier is, in a sentence.
const about = "Receives Alertmanager's webhooks and tells people, with the state of the agent that an alert is about."

// usageTemplate is the library's own, but a command's help has its details and its examples, and the list of commands has not.
const usageTemplate = `{{define "arguments" -}}
{{if .FlagSummary}} {{.FlagSummary}}{{end -}}
{{range .Args}}{{if not .Hidden}} {{if not .Required}}[{{end}}<{{.Name}}>{{if .Value|IsCumulative}}...{{end}}{{if not .Required}}]{{end}}{{end}}{{end -}}
{{end -}}

{{define "commands" -}}
{{range .FlattenedCommands}}{{if not .Hidden}}  {{.FullCommand}}{{if .Default}}*{{end}}{{template "arguments" .}}
{{.Help|Wrap 6}}{{end}}{{end -}}
{{end -}}

{{with .Context.SelectedCommand -}}
usage: {{$.App.Name}} {{.FullCommand}}{{template "arguments" .}}{{if .Commands}} <command> [<args> ...]{{end}}

{{.Help|Wrap 0}}{{range .HelpLong|Paragraphs}}
{{if .Examples}}Examples:
{{.Text}}
{{else}}{{.Text|Wrap 0}}{{end}}{{end}}
{{- else -}}
usage: {{.App.Name}}{{template "arguments" .App}} <command> [<args> ...]

{{.App.Help|Wrap 0}}
{{- end}}
{{if .Context.Flags}}Flags:
{{.Context.Flags|FlagsToTwoColumns|FormatTwoColumns}}
{{end -}}
{{if .Context.Args}}Args:
{{.Context.Args|ArgsToTwoColumns|FormatTwoColumns}}
{{end -}}
{{if .Context.SelectedCommand -}}
{{if .Context.SelectedCommand.Commands}}Commands:
{{template "commands" .Context.SelectedCommand}}
{{end -}}
{{else}}Commands:
{{template "commands" .App}}
* is run when no command is named.

` + exitCodes + `
{{end -}}
`

const exitCodes = `Exit codes: 0 done, 1 the answer is no (a wrong configuration, a failed
delivery), 2 wrong usage.
`

// manTemplate is a page for man(7).
const manTemplate = `{{define "flags"}}{{range .Flags}}{{if not .Hidden}}.TP
\fB{{if .Short}}\-{{.Short|Char}}, {{end}}\-\-{{if .IsBoolFlag}}[no\-]{{end}}{{.Name|Roff}}{{if not .IsBoolFlag}}={{.FormatPlaceHolder|Roff}}{{end}}\fR
{{.Help|Roff}}
{{end}}{{end}}{{end -}}

{{define "command"}}.SS "notifier {{.FullCommand|Roff}}{{range .Args}} {{if not .Required}}[{{end}}{{.Name|Upper|Roff}}{{if .Value|IsCumulative}}...{{end}}{{if not .Required}}]{{end}}{{end}}"
{{.Help|Roff}}{{if .Default}} This is what notifier does when no command is named.{{end}}
{{range .HelpLong|Paragraphs}}.PP
{{if .Examples}}.nf
{{.Text|Roff}}
.fi
{{else}}{{.Text|Roff}}
{{end}}{{end}}
{{- range .Args}}.TP
\fI{{.Name|Upper|Roff}}\fR
{{.Help|Roff}}
{{end}}{{template "flags" .}}{{range .Commands}}{{template "command" .}}{{end}}{{end -}}

.\" Made by notifier --help-man; see the Makefile.
.TH NOTIFIER 1 "" "notifier" "User Commands"
.SH NAME
notifier \- receive Alertmanager's webhooks and tell people
.SH SYNOPSIS
.B notifier
[\fIflags\fR] \fIcommand\fR [\fIarguments\fR]
.SH DESCRIPTION
{{.App.Help|Roff}}
.SH FLAGS
{{template "flags" .App -}}
.SH COMMANDS
{{range .App.Commands}}{{if and (not .Hidden) (ne .Name "help")}}{{template "command" .}}{{end}}{{end -}}
.SH EXIT STATUS
0: done. 1: the answer is no (a wrong configuration, a failed delivery). 2: wrong usage.
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR
When it is set, nothing is coloured. Nothing is either where TERM is dumb, or where no terminal is written to.
.SH COMPLETION
.nf
source <(notifier \-\-completion\-script\-bash)
source <(notifier \-\-completion\-script\-zsh)
notifier \-\-completion\-script\-fish | source
.fi
.SH SEE ALSO
https://github.com/alertvitals/notifier
`

// fishCompletion asks the program itself, as the scripts for the other shells do.
const fishCompletion = `function __notifier_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l matches (command notifier --completion-bash $words[2..-1] 2>/dev/null | string match -v '')
    if set -q matches[1]
        printf '%s\n' $matches
    else if not string match -q -- '-*' $words[-1]
        __fish_complete_path $words[-1]
    end
end;
complete -c notifier -f -a '(__notifier_complete)'
`

// addGenerated adds what is made from the commands: the man page, and the completion for a shell that the library knows nothing of.
func (c *commandLine) addGenerated() {
	c.app.UsageFuncs(template.FuncMap{"Roff": roff, "Paragraphs": paragraphs, "Upper": strings.ToUpper})
	kingpin.ManPageTemplate = manTemplate // the library's flag --help-man takes it from there
	c.app.Flag("completion-script-fish", "Generate completion script for fish.").Hidden().PreAction(func(*kingpin.ParseContext) error {
		c.ended = true
		c.usage.WriteString(fishCompletion)
		return nil
	}).Bool()
}

// safeName is a name that a shell takes as it stands: bash expands what it is given to complete.
var safeName = regexp.MustCompile(`^[A-Za-z0-9@%+:,./][A-Za-z0-9_@%+=:,./-]*$`)

// completeReceivers and completeAgents are the names in a configuration, as far as it can be read and a shell can take them.
func completeReceivers(configFile *string) func() []string {
	return complete(configFile, func(cfg config.Config) (names []string) {
		for _, r := range cfg.Receivers {
			names = append(names, r.Name)
		}
		return names
	})
}

func completeAgents(configFile *string) func() []string {
	return complete(configFile, func(cfg config.Config) (names []string) {
		for _, a := range cfg.Agents {
			names = append(names, a.Name)
		}
		return names
	})
}

func complete(configFile *string, names func(config.Config) []string) func() []string {
	return func() []string {
		cfg, err := config.LoadFile(*configFile)
		if err != nil {
			return nil
		}
		return slices.DeleteFunc(names(cfg), func(name string) bool { return !safeName.MatchString(name) })
	}
}

// roff is text as roff shows it.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// paragraph is a part of a long help text.
type paragraph struct {
	// Examples is whether the text is indented: commands to type.
	Examples bool
	Text     string
}

func paragraphs(text string) (all []paragraph) {
	for part := range strings.SplitSeq(text, "\n\n") {
		if part != "" {
			all = append(all, paragraph{strings.HasPrefix(part, "  "), part})
		}
	}
	return all
}
