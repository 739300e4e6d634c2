-- Which server and which of its databases the change log is kept in: after a backup was restored
-- elsewhere it is another, and then so is the log. Null: nobody has served from it yet.
ALTER TABLE change_head ADD COLUMN origin text;
