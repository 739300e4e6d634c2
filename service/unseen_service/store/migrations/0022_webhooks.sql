-- Webhooks, and their outbox: what is still to be sent, and what could not be.

CREATE TABLE webhooks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ref          uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    platform_id  bigint NOT NULL REFERENCES platforms,
    url          text NOT NULL,
    -- In clear, because it signs.
    secret       bytea NOT NULL,
    events       text[] NOT NULL CHECK (cardinality(events) > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    delivered    bigint NOT NULL DEFAULT 0,
    delivered_at timestamptz
);
CREATE INDEX webhooks_platform_id ON webhooks (platform_id);

-- Written in the transaction of the change; a row goes when its message has arrived.
CREATE TABLE webhook_messages (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ref        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    webhook_id bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event      text NOT NULL,
    body       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts   integer NOT NULL DEFAULT 0,
    -- When to send it next; while a worker has it in hand, when another may. Null: given up.
    due_at     timestamptz DEFAULT now(),
    failure    text
);
CREATE INDEX webhook_messages_due_at ON webhook_messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_messages_webhook_id ON webhook_messages (webhook_id, id);
