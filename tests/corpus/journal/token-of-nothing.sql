UPDATE faults SET token = '';
