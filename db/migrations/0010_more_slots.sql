-- Four times as many slots: docs/decisions/0011-slots-and-writes.md. Instances of the release before know of a quarter of
-- them: the fleet stops for this one, it does not roll.
ALTER TABLE cache_slots MODIFY slot MEDIUMINT UNSIGNED NOT NULL;
--> statement-breakpoint
-- All that were added in one statement: all of them are there, or none is.
INSERT INTO cache_slots (slot)
WITH digit AS (
  SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
  UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7
  UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11
  UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15
)
SELECT f.d * 65536 + a.d * 4096 + b.d * 256 + c.d * 16 + e.d
FROM digit f CROSS JOIN digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit e
WHERE f.d BETWEEN 1 AND 3 AND NOT EXISTS (SELECT 1 FROM cache_slots filled WHERE filled.slot >= 65536);
