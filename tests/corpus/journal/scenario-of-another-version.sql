UPDATE incidents SET scenario = '{}';
