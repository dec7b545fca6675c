ALTER TABLE incidents RENAME COLUMN load_run TO load_gone;
