UPDATE faults SET name = 'drop_index', token = '{"index": ';
