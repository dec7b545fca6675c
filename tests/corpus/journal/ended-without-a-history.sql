UPDATE incidents SET ended_at = 5.0;
