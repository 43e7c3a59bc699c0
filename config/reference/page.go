package reference

import (
	_ "embed"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// intro is what docs/configuration.md says before the keys.
//
//go:embed intro.md
var intro string

// Page is docs/configuration.md. root is the directory of this module.
func Page(root string) (string, error) {
	all, err := (&source{root: root}).sections()
	if err != nil {
		return "", err
	}
	titles := map[reflect.Type]string{}
	for _, one := range all {
		titles[one.of] = one.title(all)
	}
	var page strings.Builder
	page.WriteString(intro)
	for _, one := range all {
		if title := titles[one.of]; title != "" {
			fmt.Fprintf(&page, "\n## %s\n\nAt %s.\n", title, places(one.held))
		} else {
			page.WriteString("\n## The file\n")
		}
		page.WriteString("\n```yaml\n")
		for _, k := range one.keys {
			for _, line := range wrapped(k.text, 110) {
				page.WriteString("# " + line + "\n")
			}
			page.WriteString(k.line(titles) + "\n")
		}
		page.WriteString("```\n")
	}
	return page.String(), nil
}

// line is the key as Prometheus's documentation writes one.
func (k key) line(titles map[reflect.Type]string) string {
	line := "[ " + k.name + ": " + words(k.of, titles)
	if k.def != "" {
		line += " | default = " + k.def
	}
	return line + " ]"
}

// places are where a section stands.
func places(held []string) string {
	var all []string
	for _, path := range held {
		all = append(all, "`"+path+"`")
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// action is a template's, which stays on one line.
var action = regexp.MustCompile(`\{\{.*?\}\}`)

// wrapped is a text in lines of at most so many characters, where its words allow.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	text = action.ReplaceAllStringFunc(text, func(found string) string { return strings.ReplaceAll(found, " ", "\u00a0") })
	for word := range strings.SplitSeq(text, " ") {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\u00a0", " ")
	}
	return lines
}
