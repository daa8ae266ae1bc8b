package inception

// Kept returns for how many calls at once the model keeps networks.
func (m *Model) Kept() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.idle)
}
