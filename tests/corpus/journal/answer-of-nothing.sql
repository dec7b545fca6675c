INSERT INTO answers (incident, number, at, diagnosis, receipts) VALUES (1, 1, 4.0, '{}', '[]');
