UPDATE incidents SET slug = char(27) || '[2J[/b]';
