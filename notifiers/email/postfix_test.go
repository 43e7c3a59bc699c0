//go:build acceptance

package email

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

// TestPostfixTakesOurMails sends to a real mail server (Debian: apt-get install postfix sasl2-bin libsasl2-modules), with STARTTLS and
// AUTH, and reads the mails back from the mailbox that it delivers to. Postfix needs root.
func TestPostfixTakesOurMails(t *testing.T) {
	address, ca, mailbox := postfix(t)
	c := Config{
		To: "Ada <ada@example.com>, gone@example.com", From: "Notifier <notifier@example.com>", Smarthost: address,
		AuthUsername: account, AuthPassword: password, TLSConfig: &commoncfg.TLSConfig{CA: ca},
	}

	receipt := send(t, sinkOf(t, c), withCharts(notifiertest.Firing()))
	send(t, sinkOf(t, c), notifiertest.Resolved(receipt))

	byStatus := map[string]*received{}
	for _, data := range arrived(t, mailbox, 2) {
		m := read(t, data)
		byStatus[m.header.Get("X-Alert-Status")] = m
	}
	firing, resolved := byStatus["firing"], byStatus["resolved"]
	assert.Equal(t, "[CRITICAL] HighErrorRate · aster", firing.subject)
	assert.Equal(t, firing.subject, resolved.subject)
	assert.Equal(t, firing.header.Get("References"), resolved.header.Get("References"))
	assert.Equal(t, messageID(notifiertest.Firing(), "notifier@example.com"), firing.header.Get("Message-Id"))
	assert.True(t, strings.HasPrefix(firing.text, "🔴 CRITICAL · HighErrorRate · aster · 2 firing\n"), firing.text)
	assert.True(t, strings.HasPrefix(resolved.text, "🟢 RESOLVED · "), resolved.text)
	missing := "Not delivered to gone@example.com: " + address + " answers 550 5.1.1 to RCPT TO (there is no such mailbox)"
	assert.Contains(t, firing.text, missing)
	assert.Contains(t, firing.visible(), missing)
	assert.Len(t, firing.images, 2)
	assert.Contains(t, firing.header.Get("Received"), "with ESMTPSA", "over TLS and authenticated")

	for name, tc := range map[string]struct {
		change func(*Config)
		want   notifiers.Error
	}{
		"a wrong password":     {func(c *Config) { c.AuthPassword = "another" }, notifiers.Error{Reason: notifiers.Auth, Permanent: true}},
		"no password":          {func(c *Config) { c.AuthUsername, c.AuthPassword = "", "" }, notifiers.Error{Reason: notifiers.Rejected, Permanent: true}},
		"nobody is there":      {func(c *Config) { c.To = "gone@example.com" }, notifiers.Error{Reason: notifiers.Rejected, Permanent: true}},
		"an unknown authority": {func(c *Config) { c.TLSConfig = nil }, notifiers.Error{Reason: notifiers.Unreachable}},
	} {
		changed := c
		tc.change(&changed)
		_, err := sinkOf(t, changed).Notify(t.Context(), notifiertest.Firing())
		if tc.want == (notifiers.Error{}) {
			require.NoError(t, err, name)
			continue
		}
		var e *notifiers.Error
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, tc.want, meaning(e), "%s: %v", name, err)
	}
}

const account = "notifier@example.com"

// postfix starts the server on a free port of loopback, with all its files below a directory of its own. It delivers to
// ada@example.com alone, by credentials over TLS only.
func postfix(t *testing.T) (address, ca, mailbox string) {
	t.Helper()
	// Postfix's own users must get through to the directory, which they cannot to one of the test's.
	dir, err := os.MkdirTemp("", "postfix") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	daemon, err := user.Lookup("postfix")
	require.NoError(t, err, "is Postfix installed?")
	address = freePort(t)
	certificate, key, err := smtpfake.Certificate()
	require.NoError(t, err)
	mailbox = filepath.Join(dir, "mail")
	for _, name := range []string{"queue", "data", "mail", "sasl"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	for name, content := range map[string]string{
		"cert.pem": string(certificate), "key.pem": string(key),
		"sasl/smtpd.conf": fmt.Sprintf("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s/sasldb\nmech_list: PLAIN LOGIN CRAM-MD5\n", dir),
		"main.cf":         fmt.Sprintf(mainCF, dir, daemon.Uid, daemon.Gid),
		"master.cf":       address + masterCF,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	run := func(stdin, name string, args ...string) {
		command := exec.Command(name, args...)
		command.Stdin = strings.NewReader(stdin)
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
	run(password, "saslpasswd2", "-p", "-c", "-f", filepath.Join(dir, "sasldb"), "-u", "example.com", "notifier")
	run("", "chown", "-R", "postfix:postfix", filepath.Join(dir, "data"), mailbox, filepath.Join(dir, "sasldb"))
	run("", "postfix", "-c", dir, "check") // which makes the queue's directories
	server := exec.Command("/usr/lib/postfix/sbin/master", "-c", dir, "-d")
	server.Env = append(os.Environ(), "MAIL_CONFIG="+dir)
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, server.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait()
	}()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		<-ended
		_ = syscall.Kill(-server.Process.Pid, syscall.SIGKILL) // what its parts have left
		if log, err := os.ReadFile(filepath.Join(dir, "log")); t.Failed() && err == nil {
			t.Logf("%s", log)
		}
	})
	awaitGreeting(t, address, ended)
	return address, string(certificate), mailbox
}

const mainCF = `
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.com
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{ada@example.com=ada/}
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
virtual_minimum_uid = 1
smtpd_tls_cert_file = %[1]s/cert.pem
smtpd_tls_key_file = %[1]s/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
cyrus_sasl_config_path = %[1]s/sasl
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
message_size_limit = 1000000
`

// masterCF are the parts that take a mail and deliver it, none of them in a chroot.
//
//nolint:dupword // that is its format
const masterCF = ` inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// awaitGreeting waits until the server speaks.
func awaitGreeting(t *testing.T, address string, ended <-chan struct{}) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			_, err = io.ReadAtLeast(conn, make([]byte, 4), 4)
			conn.Close()
			if err == nil {
				return
			}
		}
		select {
		case <-again.C:
		case <-ended:
			t.Fatal("the mail server ended")
		case <-ctx.Done():
			t.Fatal("the mail server does not answer")
		}
	}
}

// arrived are the n mails of the mailbox.
func arrived(t *testing.T, mailbox string, n int) [][]byte {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		files, err := filepath.Glob(filepath.Join(mailbox, "ada", "new", "*"))
		require.NoError(t, err)
		if len(files) >= n {
			var mails [][]byte
			for _, file := range files {
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				mails = append(mails, data)
			}
			return mails
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%d of %d mails arrived", len(files), n)
		}
	}
}
