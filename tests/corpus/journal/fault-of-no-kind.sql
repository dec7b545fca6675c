UPDATE faults SET name = '../../x';
