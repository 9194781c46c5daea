-- The domain model. DDL commits as it goes on both engines, so each statement here can run again: a migration that was
-- killed half way is finished by the next one.
-- ASCII columns are text of machines (zones, currencies, hashes): compared byte by byte, a byte a character in an index.
CREATE TABLE IF NOT EXISTS users (
  id BINARY(16) NOT NULL PRIMARY KEY,
  email VARCHAR(254) NOT NULL,
  email_norm VARCHAR(254) AS (LOWER(email)) STORED,
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  role ENUM('client', 'therapist', 'admin') NOT NULL,
  verification_status ENUM('unverified', 'pending', 'verified', 'rejected') NOT NULL DEFAULT 'unverified',
  locale VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'es-ES',
  time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'Europe/Madrid',
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  last_login_at DATETIME(3) NULL,
  erased_at DATETIME(3) NULL,
  UNIQUE KEY ux_users_email (email_norm),
  KEY ix_users_verif (verification_status, id),
  KEY ix_users_created (created_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS profiles (
  id BINARY(16) NOT NULL PRIMARY KEY,
  visibility ENUM('public', 'private') NOT NULL DEFAULT 'private',
  display_name VARCHAR(120) NOT NULL,
  headline VARCHAR(160) NOT NULL DEFAULT '',
  bio TEXT NULL,
  photo_url VARCHAR(512) NULL,
  city VARCHAR(80) NOT NULL DEFAULT '',
  region VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  online TINYINT(1) NOT NULL DEFAULT 0,
  in_person TINYINT(1) NOT NULL DEFAULT 1,
  price_from INT UNSIGNED NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'EUR',
  rating_avg DECIMAL(3,2) NULL,
  rating_count INT UNSIGNED NOT NULL DEFAULT 0,
  next_slot_at DATETIME NULL,
  private JSON NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  KEY ix_prof_list (visibility, rating_avg DESC, id),
  KEY ix_prof_city (visibility, city, rating_avg DESC, id),
  KEY ix_prof_price (visibility, price_from, id),
  KEY ix_prof_next (visibility, next_slot_at, id),
  FULLTEXT KEY ft_prof (display_name, headline, bio),
  CONSTRAINT fk_prof_user FOREIGN KEY (id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS profile_terms (
  profile_id BINARY(16) NOT NULL,
  kind ENUM('specialty', 'language', 'approach', 'audience') NOT NULL,
  term VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (kind, term, profile_id),
  KEY ix_terms_profile (profile_id, kind, term),
  CONSTRAINT fk_terms FOREIGN KEY (profile_id) REFERENCES profiles (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS services (
  id BINARY(16) NOT NULL PRIMARY KEY,
  therapist_id BINARY(16) NOT NULL,
  name VARCHAR(80) NOT NULL,
  duration_min SMALLINT UNSIGNED NOT NULL,
  buffer_before_min SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  buffer_after_min SMALLINT UNSIGNED NOT NULL DEFAULT 10,
  step_min SMALLINT UNSIGNED NOT NULL DEFAULT 30,
  price INT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'EUR',
  mode ENUM('online', 'in_person', 'either') NOT NULL,
  needs_approval TINYINT(1) NOT NULL DEFAULT 0,
  active TINYINT(1) NOT NULL DEFAULT 1,
  KEY ix_srv_ther (therapist_id, active),
  CONSTRAINT ck_srv CHECK (duration_min BETWEEN 15 AND 480 AND step_min BETWEEN 5 AND 480),
  CONSTRAINT fk_srv FOREIGN KEY (therapist_id) REFERENCES profiles (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS calendars (
  therapist_id BINARY(16) NOT NULL PRIMARY KEY,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  weekly JSON NOT NULL,
  overrides JSON NOT NULL,
  holiday_region VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
  min_notice_min INT UNSIGNED NOT NULL DEFAULT 1440,
  horizon_days SMALLINT UNSIGNED NOT NULL DEFAULT 60,
  cancel_window_min INT UNSIGNED NOT NULL DEFAULT 1440,
  reschedule_window_min INT UNSIGNED NOT NULL DEFAULT 1440,
  max_reschedules TINYINT UNSIGNED NOT NULL DEFAULT 3,
  max_per_day TINYINT UNSIGNED NULL,
  updated_at DATETIME(3) NOT NULL,
  CONSTRAINT fk_cal FOREIGN KEY (therapist_id) REFERENCES profiles (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS clients (
  id BINARY(16) NOT NULL PRIMARY KEY,
  therapist_id BINARY(16) NOT NULL,
  user_id BINARY(16) NULL,
  name VARCHAR(160) NOT NULL,
  email VARCHAR(254) NULL,
  phone VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status ENUM('active', 'inactive', 'archived') NOT NULL DEFAULT 'active',
  private JSON NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  erased_at DATETIME(3) NULL,
  UNIQUE KEY ux_cli_email (therapist_id, email),
  KEY ix_cli_list (therapist_id, status, name, id),
  KEY ix_cli_user (user_id),
  CONSTRAINT fk_cli_t FOREIGN KEY (therapist_id) REFERENCES profiles (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS bookings (
  id BINARY(16) NOT NULL PRIMARY KEY,
  therapist_id BINARY(16) NOT NULL,
  client_id BINARY(16) NOT NULL,
  service_id BINARY(16) NOT NULL,
  series_id BINARY(16) NULL,
  starts_at DATETIME NOT NULL,
  ends_at DATETIME NOT NULL,
  blocks_from DATETIME NOT NULL,
  blocks_to DATETIME NOT NULL,
  time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  utc_offset_min SMALLINT NOT NULL,
  status ENUM('held', 'pending', 'confirmed', 'completed', 'no_show', 'cancelled', 'declined', 'expired') NOT NULL,
  blocking TINYINT(1) AS (status IN ('held', 'pending', 'confirmed', 'completed', 'no_show')) STORED,
  active_start DATETIME AS (IF(status IN ('pending', 'confirmed', 'completed', 'no_show'),starts_at,NULL)) STORED,
  hold_expires_at DATETIME(3) NULL,
  price INT UNSIGNED NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'EUR',
  mode ENUM('online', 'in_person') NOT NULL,
  sequence SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  cancel_reason VARCHAR(500) NULL,
  cancelled_by ENUM('client', 'therapist', 'system') NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_bk_backstop (therapist_id, active_start),
  KEY ix_bk_overlap (therapist_id, blocking, blocks_from, blocks_to),
  KEY ix_bk_cal (therapist_id, starts_at, id),
  KEY ix_bk_client (client_id, starts_at, id),
  KEY ix_bk_due (status, hold_expires_at),
  KEY ix_bk_status (status, starts_at),
  KEY ix_bk_series (series_id),
  KEY ix_bk_sync (therapist_id, updated_at, id),
  CONSTRAINT ck_bk CHECK (ends_at>starts_at AND blocks_from<=starts_at AND blocks_to>=ends_at AND blocks_to<=blocks_from+INTERVAL 12 HOUR),
  CONSTRAINT fk_bk_t FOREIGN KEY (therapist_id) REFERENCES profiles (id),
  CONSTRAINT fk_bk_c FOREIGN KEY (client_id) REFERENCES clients (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS payments (
  id BINARY(16) NOT NULL PRIMARY KEY,
  booking_id BINARY(16) NOT NULL,
  therapist_id BINARY(16) NOT NULL,
  client_id BINARY(16) NOT NULL,
  amount INT UNSIGNED NOT NULL,
  refunded INT UNSIGNED NOT NULL DEFAULT 0,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status ENUM('requires_action', 'processing', 'succeeded', 'failed', 'refunded', 'partially_refunded', 'cancelled') NOT NULL,
  provider VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  transaction_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL,
  paid_at DATETIME(3) NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_pay_txn (transaction_id),
  KEY ix_pay_t (therapist_id, status, paid_at),
  KEY ix_pay_c (client_id, created_at),
  KEY ix_pay_b (booking_id),
  KEY ix_pay_s (status, paid_at),
  CONSTRAINT fk_pay_b FOREIGN KEY (booking_id) REFERENCES bookings (id),
  CONSTRAINT ck_pay CHECK (refunded<=amount)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS reviews (
  id BINARY(16) NOT NULL PRIMARY KEY,
  booking_id BINARY(16) NOT NULL,
  therapist_id BINARY(16) NOT NULL,
  client_id BINARY(16) NOT NULL,
  rating TINYINT UNSIGNED NOT NULL,
  body VARCHAR(2000) NOT NULL DEFAULT '',
  status ENUM('pending', 'published', 'rejected') NOT NULL DEFAULT 'pending',
  reply VARCHAR(1000) NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_rev_b (booking_id),
  KEY ix_rev_list (therapist_id, status, created_at, id),
  CONSTRAINT ck_rev CHECK (rating BETWEEN 1 AND 5),
  CONSTRAINT fk_rev_b FOREIGN KEY (booking_id) REFERENCES bookings (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS notifications (
  id BINARY(16) NOT NULL PRIMARY KEY,
  user_id BINARY(16) NOT NULL,
  type VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  data JSON NOT NULL,
  read_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  KEY ix_not_list (user_id, created_at, id),
  KEY ix_not_unread (user_id, read_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS documents (
  id BINARY(16) NOT NULL PRIMARY KEY,
  owner_id BINARY(16) NOT NULL,
  kind ENUM('license', 'id', 'invoice', 'consent', 'other') NOT NULL,
  filename VARCHAR(200) NOT NULL,
  media_type VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  size INT UNSIGNED NOT NULL,
  sha256 BINARY(32) NOT NULL,
  storage_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status ENUM('scanning', 'ready', 'rejected') NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY ix_doc_owner (owner_id, created_at, id),
  UNIQUE KEY ux_doc_dedupe (owner_id, sha256)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS sessions (
  id BINARY(16) NOT NULL PRIMARY KEY,
  family_id BINARY(16) NOT NULL,
  user_id BINARY(16) NOT NULL,
  token_hash BINARY(32) NOT NULL,
  used_at DATETIME(3) NULL,
  revoked_at DATETIME(3) NULL,
  expires_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY ux_ses_hash (token_hash),
  KEY ix_ses_family (family_id),
  KEY ix_ses_user (user_id, expires_at),
  KEY ix_ses_exp (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS idempotency_keys (
  user_id BINARY(16) NOT NULL,
  route VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ikey VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  status SMALLINT UNSIGNED NULL,
  headers JSON NULL,
  body MEDIUMTEXT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, route, ikey),
  KEY ix_idem_exp (created_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS outbox (
  seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id BINARY(16) NOT NULL,
  type VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id BINARY(16) NULL,
  data JSON NOT NULL,
  created_at DATETIME(3) NOT NULL,
  done_at DATETIME(3) NULL,
  KEY ix_out_pending (done_at, seq),
  KEY ix_out_subject (subject, seq)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS webhooks (
  id BINARY(16) NOT NULL PRIMARY KEY,
  owner_id BINARY(16) NOT NULL,
  url VARCHAR(512) NOT NULL,
  secret_enc VARBINARY(256) NOT NULL,
  events JSON NOT NULL,
  active TINYINT(1) NOT NULL DEFAULT 1,
  failures SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  KEY ix_wh_owner (owner_id, active)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS cache_slots (
  slot SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  untold TINYINT NULL,
  KEY ix_slots_untold (untold)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
--> statement-breakpoint
-- All 65,536 slots in one statement: all of them are there, or none is. Four hexadecimal digits make a slot.
INSERT INTO cache_slots (slot)
WITH digit AS (
  SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
  UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7
  UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11
  UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15
)
SELECT a.d * 4096 + b.d * 256 + c.d * 16 + e.d
FROM digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit e
WHERE NOT EXISTS (SELECT 1 FROM cache_slots filled);
