-- Whether a hold has run out decides whether it takes time: with both columns in it, the index answers alone.
ALTER TABLE bookings
  DROP KEY ix_bk_overlap,
  ADD KEY ix_bk_overlap (therapist_id, blocking, blocks_from, blocks_to, status, hold_expires_at);
