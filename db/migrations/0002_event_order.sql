-- The order of events. A number given while a transaction is open says nothing of the order of COMMITs: a reader that
-- remembers the largest it has seen never sees a smaller one that is committed later. So events get their place
-- afterwards, one batch at a time, under the lock of the row 'placed'.
CREATE TABLE IF NOT EXISTS outbox_cursors (
  name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  place BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
INSERT IGNORE INTO outbox_cursors (name, place) VALUES ('placed', 0);
--> statement-breakpoint
-- Whose stream an event is in: one user's is one range.
CREATE TABLE IF NOT EXISTS outbox_recipients (
  user_id BINARY(16) NOT NULL,
  place BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (user_id, place),
  KEY ix_rcp_place (place)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
