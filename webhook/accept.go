package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alertvitals/notifier/alert"
)

// Accept takes a notification that the notifier makes itself, as it would one of Alertmanager's: it is addressed, and on disk when
// Accept returns nil.
func (h *Handler) Accept(ctx context.Context, n alert.Notification) error {
	if h.Draining() {
		return errors.New("accepting a notification of our own: the notifier is stopping")
	}
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("accepting a notification of our own: %w", err)
	}
	own, _ := pool.Get().(*buffers)
	defer own.putBack()
	seq, err := h.keep(context.WithoutCancel(ctx), n, body, own)
	if err != nil {
		return fmt.Errorf("accepting a notification of our own: %w", err)
	}
	h.logger.Debug("Notification of our own accepted", "id", seq, "group", n.GroupKey, "status", n.Status, "alerts", len(n.Alerts))
	return nil
}
