-- What was, is and will be sent to webhooks: one row for each webhook and event, whatever dies in between.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
  id BINARY(16) NOT NULL PRIMARY KEY,
  webhook_id BINARY(16) NOT NULL,
  event_id BINARY(16) NOT NULL,
  type VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status ENUM('pending', 'delivered', 'failed') NOT NULL DEFAULT 'pending',
  attempts TINYINT UNSIGNED NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3) NULL,
  response_status SMALLINT UNSIGNED NULL,
  failure VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
  duration_ms INT UNSIGNED NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_whd_event (webhook_id, event_id),
  KEY ix_whd_log (webhook_id, id),
  KEY ix_whd_due (status, next_attempt_at),
  KEY ix_whd_age (created_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
INSERT IGNORE INTO outbox_cursors (name, place) VALUES ('webhooks', 0), ('forgotten', 0);
