UPDATE incidents SET slug = '../../x';
