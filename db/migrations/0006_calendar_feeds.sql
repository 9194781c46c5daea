-- The secret address of a therapist's calendar file. Kept as a hash alone: whoever reads this table can subscribe to nothing.
CREATE TABLE IF NOT EXISTS calendar_feeds (
  therapist_id BINARY(16) NOT NULL PRIMARY KEY,
  token_hash BINARY(32) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_feed_token (token_hash),
  CONSTRAINT fk_feed FOREIGN KEY (therapist_id) REFERENCES profiles(id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
