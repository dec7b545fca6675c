UPDATE incidents SET scenario = replace(printf('%20000d', 0), ' ', '[');
