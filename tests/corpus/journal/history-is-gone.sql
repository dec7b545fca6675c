UPDATE incidents SET ended_at = 5.0, closed_at = 6.0, history = '/nonexistent/history.json.gz';
