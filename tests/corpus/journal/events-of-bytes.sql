INSERT INTO events (incident, at, kind, detail) VALUES (1, 4.0, 'note', x'ff00');
