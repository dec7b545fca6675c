UPDATE incidents SET opened_at = 1e300, injected_at = -1e300, announced_at = 9e999;
