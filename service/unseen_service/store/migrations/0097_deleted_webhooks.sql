-- A webhook may be deleted while a change is written to its outbox. Without this, the message would
-- violate its foreign key once the deletion commits, and whatever made the change would fail: a
-- person's submission, for one. A trigger, because the statements of older versions need it too.

CREATE FUNCTION skip_deleted_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Waits for a deletion that has begun; one that has not begun waits for this transaction.
    PERFORM FROM webhooks WHERE id = NEW.webhook_id FOR KEY SHARE;
    RETURN CASE WHEN FOUND THEN NEW END;
END $$;
CREATE TRIGGER skip_deleted_webhook BEFORE INSERT ON webhook_messages
    FOR EACH ROW EXECUTE FUNCTION skip_deleted_webhook();
