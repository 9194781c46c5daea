-- A therapist's bookings of one status, in order of time: what waits for an answer among thousands that are done.
ALTER TABLE bookings ADD KEY ix_bk_state (therapist_id, status, starts_at, id);
