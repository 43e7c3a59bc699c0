package email

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed mail.html.tmpl
var mailTemplate string

// markup escapes everything for where it stands. Styles stand at each element, because some clients drop the rest; the few in the
// head add the dark colours where a client asks for them.
var markup = template.Must(template.New("mail").Funcs(template.FuncMap{
	// cid is where a client finds a picture of the same mail (RFC 2392); html/template knows no such address.
	"cid": func(id string) template.URL { return template.URL("cid:" + id) }, //nolint:gosec // made by addCharts
}).Parse(mailTemplate))

func (p *page) html() (string, error) {
	var out strings.Builder
	if err := markup.Execute(&out, p); err != nil {
		return "", fmt.Errorf("making the HTML of a mail: %w", err)
	}
	return out.String(), nil
}
