INSERT INTO events (incident, at, kind, detail) VALUES (1, 'x', char(27), '[/b]');
