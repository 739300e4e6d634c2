-- A query with many candidates, of which only the nearest are returned, is crowded. Which hashes those
-- are depends on what other people submitted, so no case shows such a match.
ALTER TABLE matches ADD COLUMN crowded boolean NOT NULL DEFAULT false;
