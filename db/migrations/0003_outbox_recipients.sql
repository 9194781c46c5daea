-- Nullable both: instances of the release before go on writing events. Those have nobody as recipient, and get a place.
ALTER TABLE outbox
  ADD COLUMN recipients JSON NULL,
  ADD COLUMN place BIGINT UNSIGNED NULL,
  ADD UNIQUE KEY ux_out_place (place);
