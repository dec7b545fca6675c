UPDATE incidents SET opened_at = 'yesterday', announced_at = 'now';
