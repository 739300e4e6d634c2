-- A webhook that fails again and again is paused, so that it costs the others nothing.

ALTER TABLE webhooks
    -- Failed attempts since the last success.
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    -- Nothing is sent before; null: not paused.
    ADD COLUMN paused_until timestamptz;

-- The next messages of each webhook, however many wait for another.
CREATE INDEX webhook_messages_webhook_due ON webhook_messages (webhook_id, due_at)
    WHERE due_at IS NOT NULL;
