-- A session tells its owner on which device it is. The live tokens of a user are found without reading those used up:
-- a session that is refreshed for a month leaves thousands of them.
ALTER TABLE sessions
  ADD COLUMN device VARCHAR(200) NOT NULL DEFAULT '' AFTER token_hash,
  ADD KEY ix_ses_live (user_id, used_at, revoked_at, expires_at),
  DROP KEY ix_ses_user;
