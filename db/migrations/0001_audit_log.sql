-- The audit trail. An id is made where the entry is recorded (UUIDv7), so the primary key is both the order of time and
-- what makes writing an entry a second time a no-op. No foreign keys: an entry outlives what it speaks of.
CREATE TABLE IF NOT EXISTS audit_log (
  id BINARY(16) NOT NULL PRIMARY KEY,
  at DATETIME(3) NOT NULL,
  actor_id BINARY(16) NULL,
  actor_role VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
  action VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL,
  request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  KEY ix_aud_actor (actor_id, id),
  KEY ix_aud_resource (resource, resource_id, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
